"""What becomes of what a peer sent: decided purely, then written in the transaction that is open."""
