"""A viewer in the browser, made with Gradio: what did compression do to my scene?

    serve        listens, shows a first picture, starts the application   (`view`)
    starting     the first seconds, while Gradio is imported
    application  Gradio's page and our addresses in one application
    page         the layout
    opening, cropping, compressing, understanding, client   its tabs
    choosing     the compression options offered
    tabs         what they share
    addresses    pictures, uploads, downloads, scripts
    receiving    an upload becomes a scene
    guards       requests refused before Gradio sees them
    sessions     one per open page
    opened       a scene and its renderer
    pose, drawing   a request becomes a JPEG
    jobs, worker    long work, in child processes
    settings     the choices, as options and as the command line that does the same
    facts, charts   tables and plots
    look/        the view in the browser: scripts and style

Imports only names that `splatzip` itself exports. Nothing is imported from here before Gradio is wanted.
"""

from __future__ import annotations

from splatzip_viewer.serve import view as view
