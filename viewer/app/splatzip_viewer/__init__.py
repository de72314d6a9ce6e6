"""A viewer in the browser, made with Gradio: what did compression do to my scene?

    serve        listens, shows a first picture, starts the application   (`view`)
    starting     the first seconds, while Gradio is imported
    application  Gradio's page and our addresses in one application
    page         what stands where
    opening, cropping, compressing, understanding, client   its tabs
    choosing     of compression: what is offered
    tabs         what they share
    addresses    pictures, uploads, downloads, scripts
    receiving    an upload becomes a scene
    guards       what is refused unseen
    sessions     who looks at what
    opened       a scene and what draws it
    pose, drawing   what is asked for becomes a JPEG
    jobs, worker    long work, in processes of its own
    settings     what was chosen, as options and as the command line that does the same
    facts, charts   tables and plots
    look/        the view in the browser: scripts and style

Imports only what `splatzip` itself exports. Nothing is imported from here before Gradio is wanted.
"""

from __future__ import annotations

from splatzip_viewer.serve import view as view
