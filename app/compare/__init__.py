"""The Compare page, a module a tab: variants, pair, questions, duels, holds; what is chosen for all: choices."""
