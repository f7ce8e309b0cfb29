"""Version control: git as a child process, trees and commits."""
