"""Parts of the Overview: the method as a picture, findings, what runs and what ended, first steps."""
