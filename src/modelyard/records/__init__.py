"""What a step leaves behind: one result model per step, in an envelope that chains to the steps before."""
