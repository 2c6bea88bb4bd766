"""The database and its one owner: tables, how run folders and the journal become rows, shared questions."""
