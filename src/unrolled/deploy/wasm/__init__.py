"""A Program as WebAssembly: the generated C in one file, an ES module that steps it, a page that draws it."""

from unrolled.deploy.wasm.target import export_wasm as export_wasm
