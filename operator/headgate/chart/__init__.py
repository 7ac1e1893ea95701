"""What the chart runs beside the operator, in pods that end: applying what its values ask for, and checking that the release works."""
