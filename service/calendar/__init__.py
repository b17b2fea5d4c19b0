"""Working time: the city's calendar, its clocks, and the deadlines that go by them."""
