"""Documents of a city (calendar, deadlines, groupings): brought in whole, by version, the newest in force."""
