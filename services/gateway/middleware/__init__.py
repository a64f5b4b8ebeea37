"""What happens around every HTTP call."""
