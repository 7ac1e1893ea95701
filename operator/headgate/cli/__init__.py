"""The command line: `headgate`, also installed as `kubectl headgate`."""
