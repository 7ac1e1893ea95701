"""`headgate monitor`: live models watched over time, in a process of its own, so that it can never slow a rollback."""
