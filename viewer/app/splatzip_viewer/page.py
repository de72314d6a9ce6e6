"""The page: the view on one side, the tabs on the other. A tab is a class in a file of its own."""

from __future__ import annotations

import gradio as gr

from splatzip_viewer.client import Client
from splatzip_viewer.compressing import Compressing
from splatzip_viewer.cropping import Cropping
from splatzip_viewer.opening import Opening
from splatzip_viewer.sessions import Sessions
from splatzip_viewer.tabs import EVENT, Page
from splatzip_viewer.understanding import Understanding


def page(sessions: Sessions) -> gr.Blocks:
    """Build it, for any number of visitors."""
    with gr.Blocks(title="splatzip view", analytics_enabled=False, delete_cache=(300, 900), fill_width=True) as blocks:
        gr.HTML('<h1 class="brand">splatzip <small>what did compression do to my scene?</small></h1>')
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=320, elem_classes="look-column"), gr.Tabs():
                with gr.Tab("Compare"):
                    shared = Page(sessions)
                with gr.Tab("As in a browser") as client_tab:
                    client = Client(client_tab)
            with gr.Column(scale=2, min_width=320), gr.Tabs():
                with gr.Tab("Scene"):
                    opening = Opening()
                    cropping = Cropping()
                with gr.Tab("Compress"):
                    compressing = Compressing()
                with gr.Tab("Understand"):
                    understanding = Understanding()
        tabs = (opening, cropping, compressing, understanding, client)
        for tab in tabs:
            tab.register(shared)
        for tab in tabs:
            tab.wire(shared)
        shared.refreshing(blocks.load(lambda: None, None, None, **EVENT))

        def end(request: gr.Request) -> None:
            sessions.close(str(request.session_hash))

        blocks.unload(end)
    return blocks
