"""The settings by what they are about, a section each; `gateway.settings` makes them one."""
