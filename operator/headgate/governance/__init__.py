"""Pure rules of who must agree to what: subjects, which approvals count, and when a gate is open."""
