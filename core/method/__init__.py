"""The paper's steps: sample, judge, sort into categories, pair, train."""
