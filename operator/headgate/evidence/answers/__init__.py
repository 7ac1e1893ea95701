"""Two versions' answers to the same requests, compared pair by pair."""
