// The year in the footer never grows old.
document.getElementById('year').textContent = new Date().getFullYear();
