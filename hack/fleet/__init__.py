"""Several models side by side, their releases, and all kinds of users: what the tests of switches and the soak drive."""
