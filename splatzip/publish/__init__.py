"""Publishing to browsers: a scene served from this machine, one offline page, or a folder to upload.

path -> source (a .splatz, compressed first where it is not one) -> serve | export_html | export_web

bundle    the client's files, as `scripts/build-web` left them in splatzip/web
page      the viewer's page with a scene's name, or with everything inside
scenes    what below a path may be served
gallery   a page for each folder
site      the web application: routes, headers
listener  the socket and server that serve it
"""

from __future__ import annotations

from splatzip.publish.export import export_html as export_html
from splatzip.publish.export import export_web as export_web
from splatzip.publish.server import serve as serve
