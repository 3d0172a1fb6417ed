"""The explorer: the only part that knows Streamlit."""
