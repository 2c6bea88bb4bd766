"""What people bring, as items, explanations and judgements of the lab; taking it out of sight or away."""
