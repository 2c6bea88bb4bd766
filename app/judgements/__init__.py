"""Parts of the Judgements page: loading, win rates, agreement, rejected rows."""
