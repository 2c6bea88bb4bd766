"""Parts of the Compare page: findings, win rates, what drives them, questions, head to head."""
