"""What other systems take: issues in the words of the national standard, and the pipeline as an interface."""
