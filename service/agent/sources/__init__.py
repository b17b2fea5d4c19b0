"""Where frames come from: folders that cameras write into, live streams, video files."""
