"""What people may see of photos: redacted copies; originals for those who need them, each look logged."""
