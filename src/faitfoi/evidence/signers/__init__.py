"""Where a seal's key may be besides a file of this installation: each driver gives an `evidence.keys.SealKey`."""
