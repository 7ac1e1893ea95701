"""The rollout itself, pure: a Snapshot of all that is known goes in, a Decision of all that is wanted comes out."""
