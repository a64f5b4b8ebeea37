"""What drift means: pure functions of counts, no clock, store or network."""
