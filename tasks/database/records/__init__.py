"""What travels between nodes, and which edit wins: records with a stamp for each field, manifests, results. Pure."""
