"""What runs inside an exported Bento; copied into it as it is, so it imports nothing of Fairlead."""
