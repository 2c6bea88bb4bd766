"""What the rows say: comparisons and findings, categories in numbers, what to read, signs of failure."""
