"""What is found by trying and measuring."""
