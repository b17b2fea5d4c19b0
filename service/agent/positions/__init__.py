"""Where the vehicle is: gpsd, NMEA receivers, GPX files."""
