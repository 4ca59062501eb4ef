"""The self-contained page: one HTML file with the trace and the views in it."""

from __future__ import annotations

import base64
import html
from pathlib import Path

from flambeau.record.trace import Trace

_STATIC = Path(__file__).parent / "static"

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; worker-src blob:">
<title>{title}</title>
<style>{css}</style>
</head>
<body>
<div id="flambeau"></div>
<script type="application/octet-stream;base64" id="flambeau-trace">{trace}</script>
<script>{script}</script>
</body>
</html>
"""


def page(trace: Trace) -> str:
    """HTML that shows the trace with no server and no network."""
    title = str(trace.about.get("title") or "Flambeau trace")
    script = (_STATIC / "page.js").read_text("utf-8").replace("</script", "<\\/script")
    css_file = _STATIC / "page.css"
    css = (css_file if css_file.exists() else _STATIC / "widget.css").read_text("utf-8")
    return _PAGE.format(
        title=html.escape(title.encode("utf-8", "replace").decode()),
        css=css.replace("</style", "<\\/style"),
        trace=base64.b64encode(trace.to_bytes()).decode(),
        script=script,
    )
