"""Live models watched over time: drift, trends, oversight, vendors and value. Pure."""
