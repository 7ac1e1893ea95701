"""The demo: real releases of a real model server under real traffic, some of them bad, and a report of what users noticed."""
