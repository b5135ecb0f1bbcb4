"""The parts of `bench/overhead`."""
