"""What tests/vectors is made of."""
