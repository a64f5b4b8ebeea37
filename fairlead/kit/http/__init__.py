"""What HTTP says, for every service that is spoken to over it; pure functions, with no server in them."""
