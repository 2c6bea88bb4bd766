"""Parts of the Explanations page: filters, table, reading view, where a question's pairs went."""
