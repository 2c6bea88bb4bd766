"""Parts of the Anchors page: categories, what moved, pairs, lint, training on them."""
