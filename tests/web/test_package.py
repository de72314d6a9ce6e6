"""The npm package of viewer/web: what is packed has types, and works in a page that somebody else bundles."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

SOURCE = Path(__file__).resolve().parents[2] / "viewer" / "web"
TOOLS = SOURCE / "node_modules"
PAGE = """
import { load, type SplatZipAttributes, type Tier } from '@splatzip/web';
import { FileReader } from '@splatzip/web/decoder';

const tiers: Tier[] = [];
const { end } = await load('/scene.splatz', { onTier: (tier) => tiers.push(tier) });
const chunks = tiers.flatMap((tier) => (tier.layer === 0 ? tier.chunks : []));
const splats: number = chunks.reduce((sum, { count }) => sum + count, 0);
document.title = `${end.complete} ${splats} ${typeof FileReader}`;
const element = document.createElement('splat-zip');
const attributes: SplatZipAttributes = { src: '/scene.splatz', 'max-splats': 1e6, controls: 'orbit', link: true };
for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value === true ? '' : String(value));
element.maxSplats = null;
element.style.height = '200px';
document.body.append(element);
const phase: string | undefined = element.viewer?.store.state.phase;
console.assert(phase === 'loading');
element.addEventListener('splatzip-state', ({ detail }) => console.assert(typeof detail.phase === 'string'));
"""
SETTINGS = {
    "compilerOptions": {
        "target": "ES2022", "module": "ESNext", "moduleResolution": "Bundler", "strict": True, "noEmit": True,
        "skipLibCheck": True,  # playcanvas' own types know of WebXR only where others say so
        "lib": ["ES2023", "DOM", "DOM.Iterable"], "types": [],
    },
    "include": ["page.ts"],
}  # fmt: skip


@pytest.mark.skipif(not TOOLS.is_dir() or shutil.which("npm") is None, reason="needs npm ci in viewer/web")
def test_a_page_that_somebody_bundles_loads_scenes_and_knows_its_types(tmp_path, server, opened):
    def run(*command: str | Path, folder: Path = tmp_path) -> str:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    packed = json.loads(run("npm", "pack", "--json", "--pack-destination", str(tmp_path), folder=SOURCE))
    names = {file["path"] for file in packed[0]["files"]}
    assert {"package.json", "dist/viewer.js", "dist/worker.js", "dist/decoder.wasm", "dist/types/main.d.ts"} <= names
    assert packed[0]["size"] < 1_500_000
    package = tmp_path / "node_modules" / "@splatzip" / "web"
    run("tar", "-xzf", packed[0]["filename"])
    package.parent.mkdir(parents=True)
    (tmp_path / "package").rename(package)
    (tmp_path / "node_modules" / "playcanvas").symlink_to(TOOLS / "playcanvas")
    (tmp_path / "page.ts").write_text(PAGE)
    (tmp_path / "tsconfig.json").write_text(json.dumps(SETTINGS))
    (tmp_path / "index.html").write_text(
        '<!doctype html><link rel="icon" href="data:,"><body><script type="module" src="./page.ts"></script>'
    )
    run("node", TOOLS / "typescript/bin/tsc", "-p", ".")
    as_node_does = ("--module", "NodeNext", "--moduleResolution", "NodeNext")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    run("node", TOOLS / "typescript/bin/tsc", "-p", ".", *as_node_does)
    run("node", TOOLS / "vite/bin/vite.js", "build", "--logLevel", "warn")

    server.files |= {str(path.relative_to(tmp_path / "dist")): path.read_bytes()
                     for path in (tmp_path / "dist").rglob("*") if path.is_file()}  # fmt: skip
    server.files["bundled.html"] = server.files.pop("index.html")
    page = opened(f"{server.address}/bundled.html", width=300, height=300)
    page.tab.wait_for_function("document.title.endsWith('function')", timeout=60_000)
    assert page.tab.title() == "true 20000 function"
    page.wait("state.phase === 'complete'")
    assert page.complaints == []
    parts = {url.removeprefix(server.address) for url in page.requests if "worker" in url or "decoder" in url}
    assert all(re.fullmatch(r"/assets/(worker-[\w-]+\.js|decoder-[\w-]+\.wasm)", part) for part in parts), parts
    assert len(parts) == 2  # the bundler took both along
