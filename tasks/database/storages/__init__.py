"""What a node knows of itself and of its peers: storages, and what is asked of them."""
