"""What serves, watched: contract, drift, estimated and realised performance, and the decision that follows."""
