"""The curriculum engine: manifest, literate files, notebooks, export, order, proof."""
