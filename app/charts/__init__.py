"""Results as plotly figures: what is drawn, never where.  No streamlit here; colours and frames in `style`."""
