"""Parts of the Playground: asking, the round, votes, sessions."""
