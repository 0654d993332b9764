"""The commands of the workstation, a module each."""
