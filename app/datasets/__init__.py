"""Parts of the Datasets page: loading, mapping, what a set holds, explanations written elsewhere."""
